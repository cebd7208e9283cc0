"""The tables of the webhook outbox, and how they are changed."""

from __future__ import annotations

from services.notifier.projections import subjects

TABLES = (
    subjects.TABLES
    + """
-- Targets that said that they are gone, each for a room.
CREATE TABLE disabled (
    room_id text NOT NULL,
    url text NOT NULL,
    PRIMARY KEY (room_id, url)
);
CREATE TABLE webhooks (
    id uuid PRIMARY KEY,
    -- The event that is told.
    event_id uuid NOT NULL,
    global_position bigint NOT NULL,
    correlation_id uuid NOT NULL,
    room_id text NOT NULL,
    session_id text NOT NULL,
    -- The recording, merge or session that it is about.
    subject text NOT NULL,
    -- Those of a subject are posted to a target one after the other.
    order_key uuid NOT NULL,
    url text NOT NULL,
    -- Who answers at that url.
    host text NOT NULL,
    webhook_type text NOT NULL,
    -- The bytes that are posted; before the first attempt, without addresses of files.
    body bytea NOT NULL,
    at timestamptz NOT NULL,
    -- pending, delivered, given_up, disabled
    state text NOT NULL,
    -- When it is to be posted, as soon as those before it are not pending; the epoch: at once.
    due_at timestamptz NOT NULL DEFAULT 'epoch',
    -- It was asked for again, and has not been posted since.
    resent boolean NOT NULL DEFAULT false,
    next_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    last_at timestamptz,
    last_status int,
    last_reason text,
    last_ms int,
    -- How many events of the webhook's own stream this row knows of.
    stream_position bigint NOT NULL DEFAULT 0
);
CREATE INDEX webhooks_next ON webhooks (next_at, global_position) WHERE next_at IS NOT NULL;
CREATE INDEX webhooks_turns ON webhooks (order_key) WHERE next_at IS NOT NULL;
CREATE INDEX webhooks_order ON webhooks (order_key, global_position) WHERE state = 'pending';
CREATE INDEX webhooks_waiting ON webhooks (url, room_id) WHERE state IN ('pending', 'disabled');
CREATE INDEX webhooks_newest ON webhooks (global_position, id);
CREATE INDEX webhooks_of_room ON webhooks (room_id, global_position, id);
CREATE INDEX webhooks_of_subject ON webhooks (subject, global_position);
"""
)

DISABLED = "SELECT room_id, url FROM disabled WHERE room_id = ANY ($1)"
DISABLE = "INSERT INTO disabled VALUES ($1, $2) ON CONFLICT DO NOTHING"
ENABLE = "DELETE FROM disabled WHERE room_id = $1 AND url = $2"
#: The target is gone: what waits for it goes on waiting.
HOLD = """UPDATE webhooks SET state = 'disabled', next_at = CASE WHEN resent THEN next_at END
    WHERE room_id = $1 AND url = $2 AND state = 'pending'"""
HOLD_ITSELF = """UPDATE webhooks SET stream_position = $2,
    state = CASE state WHEN 'delivered' THEN state ELSE 'disabled' END WHERE id = $1"""
#: The target is heard again.
LET_GO = """UPDATE webhooks SET state = 'pending', due_at = 'epoch'
    WHERE room_id = $1 AND url = $2 AND state = 'disabled' RETURNING order_key"""
#: Out of turn, and at once.
RESEND = "UPDATE webhooks SET resent = true, next_at = 'epoch', stream_position = $2 WHERE id = $1"
OUTCOME = """UPDATE webhooks SET attempts = $10, last_at = $2, last_status = $3, last_reason = $4,
    last_ms = $5, stream_position = $6, body = coalesce($7, body), due_at = coalesce($8, due_at),
    resent = false, next_at = NULL, state = CASE state WHEN 'delivered' THEN state ELSE $9 END WHERE id = $1"""
ORDERS = "SELECT order_key FROM webhooks WHERE id = ANY ($1)"
#: The first pending one of an order has its turn; one that was given up before may have become pending again.
TAKE_TURNS = """UPDATE webhooks SET next_at = NULL
    WHERE order_key = ANY ($1) AND next_at IS NOT NULL AND NOT resent AND EXISTS (
        SELECT FROM webhooks AS earlier WHERE earlier.order_key = webhooks.order_key AND earlier.state = 'pending'
        AND earlier.global_position < webhooks.global_position)"""
GIVE_TURNS = """UPDATE webhooks SET next_at = due_at WHERE next_at IS NULL AND id IN (
    SELECT (SELECT id FROM webhooks WHERE order_key = named AND state = 'pending' ORDER BY global_position LIMIT 1)
    FROM unnest($1::uuid[]) AS named)"""

FIELDS = (
    *("id", "event_id", "global_position", "correlation_id", "room_id", "session_id", "subject", "order_key"),
    *("url", "host", "webhook_type", "body", "at", "state"),
)
