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

-- Append what several callers ask for in one transaction. Each request is all or nothing: accepted if its stream is at
-- the position that it expects, and otherwise left out, which holds up nobody else. Returns, request by request, whether
-- it was accepted and where its stream is now. Heads are checked before a number is drawn, so that a conflict costs none.
-- Requests must be of different streams and sorted by them, so that two callers of this never wait for each other.
CREATE FUNCTION append_requests(
    request_streams text[],
    request_expected bigint[],
    request_counts bigint[],
    requests bigint[],
    positions bigint[],
    ids uuid[],
    types text[],
    payloads bytea[],
    occurred_ats timestamptz[],
    actors text[],
    causation_ids uuid[],
    correlation_ids uuid[]
) RETURNS TABLE (accepted boolean, head bigint)
LANGUAGE plpgsql AS $$
DECLARE
    accepted_of boolean[] := '{}';
    head_of bigint[] := '{}';
    new_head bigint;
BEGIN
    FOR request IN 1 .. cardinality(request_streams) LOOP
        new_head := request_expected[request] + request_counts[request];
        IF request_expected[request] = 0 THEN
            INSERT INTO streams AS s (name, head) VALUES (request_streams[request], new_head) ON CONFLICT DO NOTHING;
        ELSE
            UPDATE streams AS s SET head = new_head
            WHERE s.name = request_streams[request] AND s.head = request_expected[request];
        END IF;
        accepted_of[request] := FOUND;
        IF NOT FOUND THEN
            new_head := coalesce((SELECT s.head FROM streams s WHERE s.name = request_streams[request]), 0);
        END IF;
        head_of[request] := new_head;
    END LOOP;
    WITH appended AS (
        INSERT INTO events (id, stream, position, type, payload, occurred_at, actor, causation_id, correlation_id)
        SELECT id, request_streams[request], position, type, payload, occurred_at, actor, causation_id, correlation_id
        FROM unnest(requests, positions, ids, types, payloads, occurred_ats, actors, causation_ids, correlation_ids)
            WITH ORDINALITY
            AS new (request, position, id, type, payload, occurred_at, actor, causation_id, correlation_id, number)
        WHERE accepted_of[request]
        ORDER BY new.number
        RETURNING number
    )
    INSERT INTO pending_events SELECT number FROM appended;
    RETURN QUERY SELECT * FROM unnest(accepted_of, head_of);
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
