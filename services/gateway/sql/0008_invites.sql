-- Invites: guests come into a room with one. Of the code only a digest is kept, of a password only its scrypt.
CREATE TABLE invites (
    digest bytea PRIMARY KEY,
    room_id text NOT NULL,
    -- Both null: no password is asked for.
    salt bytea,
    password bytea,
    -- Null: good until it is revoked.
    expires_at timestamptz,
    -- Wrong passwords since then, of which only so many are listened to in a minute.
    wrong_passwords integer NOT NULL DEFAULT 0 CHECK (wrong_passwords >= 0),
    wrong_since timestamptz NOT NULL DEFAULT '-infinity',
    CHECK ((salt IS NULL) = (password IS NULL))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON invites TO onrecord_service;
