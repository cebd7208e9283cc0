-- The event log: streams of events that can be added to and read, and nothing else.
--
-- An append puts events into `pending_events`. The sequencer moves them from there into `events`, where each has its
-- global position. The identity `number` alone would not do as one: it is drawn at insert and seen at commit, so a
-- reader that pages by it skips whoever commits late.

-- A stream's head is where appenders of that stream, and of no other, meet.
CREATE TABLE streams (
    name text PRIMARY KEY,
    head bigint NOT NULL CHECK (head > 0)
) WITH (fillfactor = 80);

-- Committed events that have no global position yet. Payloads are the exact bytes that were decided: they can be hashed
-- and signed, which a parsed form cannot.
CREATE TABLE pending_events (
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
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);

-- The log in its order. A unique index over all partitions would have to hold the partition's key, so each partition has
-- its own on `id` and on `stream, position`; over all of them, `append_requests` sees to both.
CREATE TABLE events (
    global_position bigint PRIMARY KEY,
    id uuid NOT NULL,
    stream text NOT NULL,
    position bigint NOT NULL,
    type text NOT NULL,
    payload bytea NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    causation_id uuid NOT NULL,
    correlation_id uuid NOT NULL
) PARTITION BY RANGE (global_position);

CREATE TABLE partitions (
    first_position bigint PRIMARY KEY,
    last_position bigint NOT NULL CHECK (last_position >= first_position)
);

-- How large partitions are made that are not there yet. One row.
CREATE TABLE partition_size (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    events bigint NOT NULL DEFAULT 10000000 CHECK (events > 0)
);
INSERT INTO partition_size DEFAULT VALUES;

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'OR002';
END
$$;

-- They bind the tables' owner as well. Whoever only uses the log may not even try.
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER pending_events_do_not_change BEFORE UPDATE OR TRUNCATE ON pending_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER streams_are_not_removed BEFORE DELETE OR TRUNCATE ON streams
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER heads_only_grow BEFORE UPDATE ON streams
    FOR EACH ROW WHEN (new.name <> old.name OR new.head <= old.head) EXECUTE FUNCTION refuse_change();

-- Append what several callers ask for in one transaction. Returns, request by request, whether it was accepted and where
-- its stream is now. A request whose stream is elsewhere than it expects is left out and holds up nobody else; if they
-- are `together`, it is the end of them all (OR001). Heads are checked before a number is drawn, so that a conflict costs
-- none. Requests must be of different streams and sorted by them, so that two callers never wait for each other.
CREATE FUNCTION append_requests(
    together boolean,
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
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    accepted_of boolean[] := '{}';
    head_of bigint[] := '{}';
    new_head bigint;
    named bigint := 0;
    due bigint := 0;
    appended bigint;
BEGIN
    FOR request IN 1 .. cardinality(request_streams) LOOP
        new_head := request_expected[request] + request_counts[request];
        named := named + request_counts[request];
        IF request_expected[request] = 0 THEN
            INSERT INTO streams AS s (name, head) VALUES (request_streams[request], new_head) ON CONFLICT DO NOTHING;
        ELSE
            UPDATE streams AS s SET head = new_head
            WHERE s.name = request_streams[request] AND s.head = request_expected[request];
        END IF;
        accepted_of[request] := FOUND;
        IF FOUND THEN
            due := due + request_counts[request];
        ELSE
            new_head := coalesce((SELECT s.head FROM streams s WHERE s.name = request_streams[request]), 0);
            IF together THEN
                RAISE EXCEPTION '%', new_head USING ERRCODE = 'OR001', DETAIL = request_streams[request];
            END IF;
        END IF;
        head_of[request] := new_head;
    END LOOP;
    INSERT INTO pending_events (id, stream, position, type, payload, occurred_at, actor, causation_id, correlation_id)
    SELECT id, request_streams[request], position, type, payload, occurred_at, actor, causation_id, correlation_id
    FROM unnest(requests, positions, ids, types, payloads, occurred_ats, actors, causation_ids, correlation_ids)
        AS new (request, position, id, type, payload, occurred_at, actor, causation_id, correlation_id)
    WHERE accepted_of[request] AND position > request_expected[request] AND position <= head_of[request]
    ORDER BY request, position;
    -- No caller chooses positions: they are those between the old head and the new one, each once.
    GET DIAGNOSTICS appended = ROW_COUNT;
    IF appended <> due OR named <> cardinality(ids) THEN
        RAISE EXCEPTION 'events are not at the positions that follow their stream''s head' USING ERRCODE = 'OR003';
    END IF;
    -- After the insert: an event of the same id that was pending until now would have been met there.
    IF EXISTS (SELECT FROM events e WHERE e.id = ANY (ids)) THEN
        RAISE EXCEPTION 'an event of this id is stored' USING ERRCODE = 'unique_violation',
            DETAIL = (SELECT string_agg(e.id::text, ', ') FROM events e WHERE e.id = ANY (ids));
    END IF;
    RETURN QUERY SELECT * FROM unnest(accepted_of, head_of);
END
$$;

-- Make room for the next events. A new table is attached, not created as a partition: that would wait for every reader
-- of the log, and have every new one wait for itself.
CREATE FUNCTION add_partition() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first bigint := coalesce((SELECT max(last_position) FROM partitions), 0) + 1;
    last bigint := first - 1 + (SELECT events FROM partition_size);
    name text := format('events_from_%s', first);
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE events INCLUDING ALL)', name);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (id)', name);
    EXECUTE format('CREATE UNIQUE INDEX ON %I (stream, position)', name);
    EXECUTE format('CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', name);
    EXECUTE format('ALTER TABLE events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, first, last + 1);
    INSERT INTO partitions VALUES (first, last);
END
$$;
SELECT add_partition();

-- Give pending events with a number above `settled` their global positions, at most `batch`; return how many there were.
-- The caller is the only sequencer. A stream's later event can only be committed after its earlier one, and has a higher
-- number, so every stream's order is kept. The notification is a hint to look; nobody else may send one, as each makes
-- its transaction's commit wait for all others that notify. Only by its index are rows passed over that were taken.
CREATE FUNCTION sequence_pending(settled bigint, batch bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
DECLARE
    head bigint;
    placed bigint;
    waiting bigint[] := ARRAY(SELECT number FROM pending_events WHERE number > settled ORDER BY number LIMIT batch);
BEGIN
    IF waiting = '{}' THEN
        RETURN 0;
    END IF;
    head := coalesce((SELECT max(global_position) FROM events), 0);
    -- The newest partition stays empty: a reader whose statement was planned before one was attached does not look there.
    WHILE head + cardinality(waiting) >= (SELECT max(first_position) FROM partitions) LOOP
        PERFORM add_partition();
    END LOOP;
    WITH taken AS (
        DELETE FROM pending_events WHERE number = ANY (waiting) RETURNING *
    )
    INSERT INTO events
    SELECT head + row_number() OVER (ORDER BY number), id, stream, position, type, payload, occurred_at, recorded_at,
        actor, causation_id, correlation_id
    FROM taken;
    GET DIAGNOSTICS placed = ROW_COUNT;
    PERFORM pg_notify('onrecord_log', (head + placed)::text);
    RETURN placed;
END
$$;

-- Tell the last number that was drawn and, after that, who may not have committed one yet: whoever appends holds this
-- lock from before the draw until the commit can be seen. Other transactions, however old, do not count.
CREATE FUNCTION appends_under_way() RETURNS TABLE (last_number bigint, appenders text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM pending_events_number_seq INTO last_number;
    appenders := ARRAY(
        SELECT virtualtransaction FROM pg_locks
        WHERE locktype = 'relation' AND relation = 'pending_events'::regclass AND mode = 'RowExclusiveLock'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND pid IS DISTINCT FROM pg_backend_pid()
    );
    RETURN NEXT;
END
$$;

-- The role that services use: it reads, and appends by the functions above. It can neither change nor remove an event,
-- nor insert one at a position of its own choice.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'onrecord_service') THEN
        CREATE ROLE onrecord_service NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- another database of this cluster was faster
END
$$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'onrecord_service', 'MEMBER') THEN
        GRANT onrecord_service TO CURRENT_USER;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION append_requests, add_partition, sequence_pending, appends_under_way FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_requests, sequence_pending, appends_under_way TO onrecord_service;
GRANT SELECT ON streams, pending_events, events, partitions, schema_migrations TO onrecord_service;
