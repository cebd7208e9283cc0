-- How far the word of each gateway process is in the log: everything it was told before `known_until` is there.
CREATE TABLE gateway_horizons (
    gateway text PRIMARY KEY,
    known_until timestamptz NOT NULL,
    renewed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_horizons TO onrecord_service;
