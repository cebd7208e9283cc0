-- States of long streams, so that not all of their events need be read. A cache: whoever empties it loses nothing.
CREATE TABLE snapshots (
    stream text PRIMARY KEY,
    position bigint NOT NULL CHECK (position > 0),
    -- Digest of the code that folded it: another version folds anew.
    fold text NOT NULL,
    state bytea NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots TO onrecord_service;
