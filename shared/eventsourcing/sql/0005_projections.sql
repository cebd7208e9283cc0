-- How far each projection has come: the one that is live, and the one that is being built to take its place. A row is
-- changed in the same transaction as the projection's tables, and by one process at a time.
CREATE TABLE projections (
    name text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('live', 'building')),
    version integer NOT NULL CHECK (version > 0),
    -- Global position of the last event that is in its tables.
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    -- Why it does not go on from there. Null while it does.
    stopped text,
    PRIMARY KEY (name, stage)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON projections TO onrecord_service;

-- Services make the tables of their projections, in schemas of their own. They may still make nothing beside the log.
DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO onrecord_service', current_database());
END
$$;
