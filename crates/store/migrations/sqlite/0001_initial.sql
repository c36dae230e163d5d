-- Content-addressed objects: written once, never changed.
CREATE TABLE blob (
    digest TEXT PRIMARY KEY,
    content_type TEXT,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE declaration (
    server_token TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE manifest (
    token TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE capabilities (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
-- What is extracted of devices' status for predicates; kept as long as a device has it.
CREATE TABLE known (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- What may be declared, by the SHA-256 of its facts: the catalogs that were imported, and those of the program under
-- which revisions were published. A revision keeps its own, whatever comes after.
CREATE TABLE catalog (
    digest TEXT PRIMARY KEY,
    facts TEXT NOT NULL,
    source TEXT NOT NULL,
    imported_at INTEGER
) STRICT;
-- The imported one that is in force, or none, and then it is the program's: one row.
CREATE TABLE catalog_in_force (
    digest TEXT REFERENCES catalog (digest)
) STRICT;
INSERT INTO catalog_in_force (digest) VALUES (NULL);

-- The wish, published.
CREATE TABLE revision (
    number INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    published_by TEXT NOT NULL,
    catalog TEXT NOT NULL REFERENCES catalog (digest),
    allow_unknown INTEGER NOT NULL,
    changes TEXT NOT NULL,
    wish TEXT NOT NULL
) STRICT;
CREATE TABLE revision_file (
    revision INTEGER NOT NULL REFERENCES revision (number),
    path TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (revision, path)
) STRICT;

-- Channels, device and user alike. What is searched has a column of its own; the rest is the domain's, as JSON.
CREATE TABLE enrollment (
    id TEXT PRIMARY KEY,
    device TEXT NOT NULL,
    is_device INTEGER NOT NULL,
    version INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    phase TEXT NOT NULL,
    serial TEXT,
    -- What its maker's service pushes it for: the topic, or the package family name.
    topic TEXT,
    -- That service; none of channels that are not pushed.
    service TEXT,
    kind TEXT,
    -- Of a Windows device: what the messages of its sessions say that they are from.
    source TEXT,
    -- For predicates: what is extracted of its status, and its terms; of devices that have not left.
    known TEXT,
    terms TEXT,
    -- The conditions by which its memberships in groups by predicate were decided; empty when they are due anyway.
    decided TEXT NOT NULL,
    stamp INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX enrollment_user ON enrollment (device) WHERE is_device = 0;
CREATE INDEX enrollment_serial ON enrollment (serial) WHERE serial IS NOT NULL;
CREATE INDEX enrollment_topic ON enrollment (topic) WHERE service = 'apns' AND topic IS NOT NULL;
CREATE INDEX enrollment_wns ON enrollment (id) WHERE service = 'wns';
-- Few distinct values: platform, system version, enrollment type, build.
CREATE INDEX enrollment_kind ON enrollment (kind) WHERE kind IS NOT NULL;
CREATE INDEX enrollment_known ON enrollment (known) WHERE known IS NOT NULL;
CREATE INDEX enrollment_decided ON enrollment (decided) WHERE is_device = 1;
-- All that a census reads, in one place: rows lie in no order. PostgreSQL has none, since it bounds the entries of an
-- index, and devices choose how long their names are.
CREATE INDEX enrollment_census ON enrollment (id, serial, known, terms) WHERE terms IS NOT NULL;
CREATE INDEX enrollment_source ON enrollment (source) WHERE source IS NOT NULL;
-- Migrated devices, by whether their certificate is pinned.
CREATE INDEX enrollment_migrated ON enrollment (fingerprint) WHERE generation = 0 AND is_device = 1;
-- The first device that ever claimed a name, as its serial number, UDID or identifier: nothing deletes it.
CREATE TABLE claim (
    name TEXT PRIMARY KEY,
    device TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
    fingerprint TEXT PRIMARY KEY,
    role TEXT NOT NULL,
    enrollment TEXT,
    serial TEXT,
    usable_until INTEGER
) STRICT, WITHOUT ROWID;
-- Few: those that renew another one, and were not used yet.
CREATE INDEX identity_issued ON identity (enrollment) WHERE role = 'issued';
CREATE TABLE status (
    enrollment TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE exception (
    enrollment TEXT NOT NULL,
    identifier TEXT NOT NULL,
    server_token TEXT NOT NULL,
    reasons TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (enrollment, identifier)
) STRICT;
CREATE TABLE escrow (
    enrollment TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (enrollment, kind)
) STRICT;
-- The last management session of a Windows device: what it remembers, and the answer to its last message.
CREATE TABLE windows_session (
    enrollment TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    sealed BLOB NOT NULL
) STRICT;
-- Written behind the devices' backs: losing the last second of it claims less, never more.
CREATE TABLE sighting (
    enrollment TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    manifest TEXT,
    fetched TEXT NOT NULL,
    wakes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Commands that administrators order. What is ordered is sealed, since it may hold a passcode.
CREATE TABLE command (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    request_type TEXT NOT NULL,
    payload BLOB NOT NULL,
    ordered_at INTEGER NOT NULL,
    ordered_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    -- How many devices it takes something from.
    harms INTEGER NOT NULL,
    -- For a group: its name, and the device up to which its members have got theirs; no device: all have.
    for_group TEXT,
    reached TEXT
) STRICT;
CREATE INDEX command_reaching ON command (number) WHERE reached IS NOT NULL;
CREATE INDEX command_harm ON command (ordered_at) WHERE harms > 0;
-- A command in the queue of one channel, and what came of it. It is open while the device is to get it.
CREATE TABLE delivery (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL REFERENCES command (id),
    enrollment TEXT NOT NULL,
    generation INTEGER NOT NULL,
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    sent_at INTEGER,
    answered_at INTEGER,
    reason TEXT,
    result BLOB
) STRICT;
CREATE INDEX delivery_open ON delivery (enrollment, number) WHERE is_open = 1;
CREATE INDEX delivery_expiry ON delivery (expires_at) WHERE is_open = 1;
CREATE INDEX delivery_enrollment ON delivery (enrollment, number);
CREATE INDEX delivery_command ON delivery (command, number, state, is_open);
-- What devices answered to the daily questions: what they last found, and what they last failed with since.
CREATE TABLE inventory (
    enrollment TEXT NOT NULL,
    survey TEXT NOT NULL,
    found_at INTEGER,
    body TEXT,
    failed_at INTEGER,
    failure TEXT,
    PRIMARY KEY (enrollment, survey)
) STRICT;
-- Who is to be looked at, and when, and what was pushed. Whoever has news counts `asked` up; whoever has looked sets
-- `heard` to what he read there.
CREATE TABLE push (
    enrollment TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    due_at INTEGER,
    asked INTEGER NOT NULL,
    heard INTEGER NOT NULL,
    wakes INTEGER,
    pushed TEXT,
    problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX push_news ON push (service, due_at) WHERE due_at IS NOT NULL AND asked > heard;
CREATE INDEX push_again ON push (service, due_at) WHERE due_at IS NOT NULL AND asked = heard;
CREATE INDEX push_unanswered ON push (enrollment) WHERE wakes IS NOT NULL;
CREATE INDEX push_problem ON push (problem) WHERE problem IS NOT NULL;
-- Who does what only one node at a time may do.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT;

-- What happened, in the order in which it was committed, for the systems that administrators connect. One writer commits
-- in the order of the numbers, so the transaction says nothing here.
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tx INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    enrollment TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_order ON event (tx, id);
CREATE VIEW settled_event AS SELECT tx, id, at, kind, enrollment, detail FROM event;
-- The last event that is kept no more: one row.
CREATE TABLE event_horizon (
    tx INTEGER NOT NULL,
    id INTEGER NOT NULL
) STRICT;
INSERT INTO event_horizon (tx, id) VALUES (0, 0);
-- Whom events are sent to, and up to which each has them. A node that sends has the lease meanwhile.
CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    after_tx INTEGER NOT NULL,
    after_id INTEGER NOT NULL,
    delivered_at INTEGER,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    failing_since INTEGER,
    problem TEXT,
    lease TEXT,
    lease_until INTEGER NOT NULL
) STRICT;

-- The house.
CREATE TABLE setting (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;
CREATE TABLE token (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    uses_left INTEGER,
    serial TEXT,
    topic TEXT
) STRICT;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
