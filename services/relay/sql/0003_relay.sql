-- Up to where the log has been published. One row.
CREATE TABLE relay_checkpoint (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    global_position bigint NOT NULL DEFAULT 0
);

INSERT INTO relay_checkpoint DEFAULT VALUES;
GRANT SELECT, UPDATE ON relay_checkpoint TO onrecord_service;
