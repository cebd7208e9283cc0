-- The event log: streams of events that can be added to and read, and nothing else.

-- A stream's head is where appenders of that stream, and of no other, meet.
CREATE TABLE streams (
    name text PRIMARY KEY,
    head bigint NOT NULL CHECK (head > 0)
);

-- Payloads are the exact bytes that were decided: they can be hashed and signed, which a parsed form cannot.
CREATE TABLE events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    stream text NOT NULL,
    position bigint NOT NULL CHECK (position > 0),
    type text NOT NULL,
    payload bytea NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    causation_id uuid NOT NULL,
    correlation_id uuid NOT NULL,
    UNIQUE (stream, position)
);

-- Committed events that have no global position yet. `number` alone would not do as one: it is drawn at insert and
-- seen at commit, so a reader that pages by it skips whoever commits late.
CREATE TABLE pending_events (
    number bigint PRIMARY KEY REFERENCES events
);

CREATE TABLE global_order (
    global_position bigint PRIMARY KEY,
    number bigint NOT NULL UNIQUE REFERENCES events
);

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'OR002';
END
$$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER global_order_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON global_order
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Append events after the position the caller has read up to, or raise OR001 with the actual head as its detail.
-- The head is checked before a number is drawn, so that a conflict costs none.
CREATE FUNCTION append_to_stream(
    stream_name text,
    expected bigint,
    ids uuid[],
    types text[],
    payloads bytea[],
    occurred_ats timestamptz[],
    actors text[],
    causation_ids uuid[],
    correlation_ids uuid[]
) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    new_head bigint := expected + cardinality(ids);
BEGIN
    IF expected = 0 THEN
        INSERT INTO streams (name, head) VALUES (stream_name, new_head) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE streams SET head = new_head WHERE name = stream_name AND head = expected;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'stream % is not at position %', stream_name, expected USING
            ERRCODE = 'OR001',
            DETAIL = coalesce((SELECT head FROM streams WHERE name = stream_name), 0)::text;
    END IF;
    WITH appended AS (
        INSERT INTO events (id, stream, position, type, payload, occurred_at, actor, causation_id, correlation_id)
        SELECT id, stream_name, expected + ordinality, type, payload, occurred_at, actor, causation_id, correlation_id
        FROM unnest(ids, types, payloads, occurred_ats, actors, causation_ids, correlation_ids) WITH ORDINALITY
            AS new (id, type, payload, occurred_at, actor, causation_id, correlation_id)
        ORDER BY ordinality
        RETURNING number
    )
    INSERT INTO pending_events SELECT number FROM appended;
    RETURN new_head;
END
$$;

-- Give pending events their global positions. The caller is the only sequencer. A stream's later event can only be
-- committed after its earlier one, and has a higher number, so every stream's order is kept.
CREATE FUNCTION sequence_pending(batch bigint) RETURNS bigint
LANGUAGE sql AS $$
    WITH taken AS (
        DELETE FROM pending_events
        WHERE number IN (SELECT number FROM pending_events ORDER BY number LIMIT batch)
        RETURNING number
    ), placed AS (
        INSERT INTO global_order (global_position, number)
        SELECT coalesce((SELECT max(global_position) FROM global_order), 0) + row_number() OVER (ORDER BY number), number
        FROM taken
        RETURNING 1
    )
    SELECT count(*) FROM placed;
$$;
