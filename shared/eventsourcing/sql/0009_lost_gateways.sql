-- A gateway that the relay has taken for dead: it may not renew, and holds the watermark until its participants have left.
ALTER TABLE gateway_horizons ADD COLUMN lost boolean NOT NULL DEFAULT false;
