-- Version 1. Times are UTC with nine digits of the second, so that they sort
-- as text; digests are hexadecimal.

CREATE TABLE runs (
    run          TEXT PRIMARY KEY,
    tool_version TEXT NOT NULL,
    started      TEXT NOT NULL,
    ended        TEXT,
    arguments    TEXT NOT NULL,
    target       TEXT NOT NULL,
    endpoint     TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('running', 'interrupted', 'finished')),
    exit_code    INTEGER,
    summary      TEXT,
    bytes_at_end INTEGER,
    api_calls    INTEGER NOT NULL DEFAULT 0,
    bytes_sent   INTEGER NOT NULL DEFAULT 0,
    elapsed_ms   INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sources (
    run       TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    source    INTEGER NOT NULL,
    name      TEXT NOT NULL,
    size      INTEGER,
    modified  TEXT,
    beginning TEXT,
    PRIMARY KEY (run, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE chunks (
    run      TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    chunk    INTEGER NOT NULL,
    parent   INTEGER,
    cut      INTEGER,
    rows     INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('ready', 'submitting', 'in flight',
                 'complete', 'failed', 'refused', 'unknown', 'halved')),
    lost     INTEGER NOT NULL,
    batch_id INTEGER CHECK ((state = 'in flight') = (batch_id IS NOT NULL)),
    reported INTEGER NOT NULL CHECK (reported IN (0, 1)),
    result   TEXT,
    PRIMARY KEY (run, chunk),
    FOREIGN KEY (run, parent) REFERENCES chunks ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Without it, each chunk that is deleted is looked for among all parents.
CREATE INDEX chunks_by_parent ON chunks (run, parent);

CREATE TABLE pieces (
    run         TEXT NOT NULL,
    chunk       INTEGER NOT NULL,
    piece       INTEGER NOT NULL,
    source      INTEGER NOT NULL,
    first_row   INTEGER NOT NULL,
    first_line  INTEGER NOT NULL,
    rows        INTEGER NOT NULL,
    range_start INTEGER NOT NULL,
    range_end   INTEGER NOT NULL,
    PRIMARY KEY (run, chunk, piece),
    FOREIGN KEY (run, chunk) REFERENCES chunks ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE submits (
    run        TEXT NOT NULL,
    chunk      INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    at         TEXT NOT NULL,
    outcome    TEXT,
    batch_id   INTEGER,
    request_id TEXT,
    detail     TEXT NOT NULL,
    PRIMARY KEY (run, chunk, attempt),
    FOREIGN KEY (run, chunk) REFERENCES chunks ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
