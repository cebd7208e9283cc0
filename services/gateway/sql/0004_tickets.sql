-- Tickets to the signaling WebSocket: single use, short-lived, good at any gateway. Only their digest is kept.
CREATE TABLE tickets (
    digest bytea PRIMARY KEY,
    room_id text NOT NULL,
    participant_id text NOT NULL,
    role text NOT NULL,
    -- Digest of the resumption that was given with the ticket.
    resumption bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON tickets TO onrecord_service;
