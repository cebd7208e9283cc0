-- Resumptions: who comes back with one is the same participant. Single use, good in one room. Only their digest is kept.
CREATE TABLE resumptions (
    digest bytea PRIMARY KEY,
    room_id text NOT NULL,
    participant_id text NOT NULL,
    -- Put off again and again while the participant is connected.
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON resumptions TO onrecord_service;
