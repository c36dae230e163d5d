-- Content-addressed objects: written once, never changed.
CREATE TABLE blob (
    digest TEXT COLLATE "C" PRIMARY KEY,
    content_type TEXT,
    body BYTEA NOT NULL
);
CREATE TABLE declaration (
    server_token TEXT COLLATE "C" PRIMARY KEY,
    body BYTEA NOT NULL
);
CREATE TABLE manifest (
    token TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL
);
CREATE TABLE capabilities (
    digest TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL
);
-- What is extracted of devices' status for predicates; kept as long as a device has it.
CREATE TABLE known (
    digest TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL
);

-- What may be declared, by the SHA-256 of its facts: the catalogs that were imported, and those of the program under
-- which revisions were published. A revision keeps its own, whatever comes after.
CREATE TABLE catalog (
    digest TEXT COLLATE "C" PRIMARY KEY,
    facts TEXT NOT NULL,
    source TEXT NOT NULL,
    imported_at BIGINT
);
-- The imported one that is in force, or none, and then it is the program's: one row.
CREATE TABLE catalog_in_force (
    digest TEXT COLLATE "C" REFERENCES catalog (digest)
);
INSERT INTO catalog_in_force (digest) VALUES (NULL);

-- The wish, published.
CREATE TABLE revision (
    number BIGINT PRIMARY KEY,
    digest TEXT NOT NULL,
    published_at BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    catalog TEXT COLLATE "C" NOT NULL REFERENCES catalog (digest),
    allow_unknown BIGINT NOT NULL,
    changes TEXT NOT NULL,
    wish TEXT NOT NULL
);
CREATE TABLE revision_file (
    revision BIGINT NOT NULL REFERENCES revision (number),
    path TEXT COLLATE "C" NOT NULL,
    digest TEXT COLLATE "C" NOT NULL REFERENCES blob (digest),
    PRIMARY KEY (revision, path)
);

-- Channels, device and user alike. What is searched has a column of its own; the rest is the domain's, as JSON.
CREATE TABLE enrollment (
    id TEXT COLLATE "C" PRIMARY KEY,
    device TEXT COLLATE "C" NOT NULL,
    is_device BIGINT NOT NULL,
    version BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    serial TEXT COLLATE "C",
    -- What its maker's service pushes it for: the topic, or the package family name.
    topic TEXT COLLATE "C",
    -- That service; none of channels that are not pushed.
    service TEXT COLLATE "C",
    kind TEXT COLLATE "C",
    -- Of a Windows device: what the messages of its sessions say that they are from.
    source TEXT COLLATE "C",
    -- For predicates: what is extracted of its status, and its terms; of devices that have not left.
    known TEXT COLLATE "C",
    terms TEXT,
    -- The conditions by which its memberships in groups by predicate were decided; empty when they are due anyway.
    decided TEXT COLLATE "C" NOT NULL,
    stamp BIGINT NOT NULL,
    state TEXT NOT NULL
    -- Most of what devices say writes the row. With room beside it the new one stays in the page, and no index has to learn
    -- of it: so what each report changes has none. And rows are about as large as what PostgreSQL begins to compress, which
    -- takes longer than to write them as they are.
) WITH (fillfactor = 70, toast_tuple_target = 8160);
CREATE INDEX enrollment_user ON enrollment (device) WHERE is_device = 0;
CREATE INDEX enrollment_serial ON enrollment (serial) WHERE serial IS NOT NULL;
CREATE INDEX enrollment_topic ON enrollment (topic) WHERE service = 'apns' AND topic IS NOT NULL;
CREATE INDEX enrollment_wns ON enrollment (id) WHERE service = 'wns';
-- Few distinct values: platform, system version, enrollment type, build.
CREATE INDEX enrollment_kind ON enrollment (kind) WHERE kind IS NOT NULL;
CREATE INDEX enrollment_decided ON enrollment (decided) WHERE is_device = 1;
CREATE INDEX enrollment_source ON enrollment (source) WHERE source IS NOT NULL;
-- Migrated devices, by whether their certificate is pinned.
CREATE INDEX enrollment_migrated ON enrollment (fingerprint) WHERE generation = 0 AND is_device = 1;
-- The first device that ever claimed a name, as its serial number, UDID or identifier: nothing deletes it.
CREATE TABLE claim (
    name TEXT COLLATE "C" PRIMARY KEY,
    device TEXT COLLATE "C" NOT NULL
);
CREATE TABLE identity (
    fingerprint TEXT COLLATE "C" PRIMARY KEY,
    role TEXT COLLATE "C" NOT NULL,
    enrollment TEXT COLLATE "C",
    serial TEXT,
    usable_until BIGINT
);
-- Few: those that renew another one, and were not used yet.
CREATE INDEX identity_issued ON identity (enrollment) WHERE role = 'issued';
CREATE TABLE status (
    enrollment TEXT COLLATE "C" PRIMARY KEY,
    record TEXT NOT NULL
) WITH (fillfactor = 70, toast_tuple_target = 8160);
CREATE TABLE exception (
    enrollment TEXT COLLATE "C" NOT NULL,
    identifier TEXT COLLATE "C" NOT NULL,
    server_token TEXT NOT NULL,
    reasons TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (enrollment, identifier)
);
CREATE TABLE escrow (
    enrollment TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (enrollment, kind)
);
-- The last management session of a Windows device: what it remembers, and the answer to its last message.
CREATE TABLE windows_session (
    enrollment TEXT COLLATE "C" PRIMARY KEY,
    number BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
-- Written behind the devices' backs: losing the last second of it claims less, never more.
CREATE TABLE sighting (
    enrollment TEXT COLLATE "C" PRIMARY KEY,
    generation BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    manifest TEXT,
    fetched TEXT NOT NULL,
    wakes BIGINT NOT NULL
) WITH (fillfactor = 70);

-- Commands that administrators order. What is ordered is sealed, since it may hold a passcode.
CREATE TABLE command (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    request_type TEXT NOT NULL,
    payload BYTEA NOT NULL,
    ordered_at BIGINT NOT NULL,
    ordered_by TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- How many devices it takes something from.
    harms BIGINT NOT NULL,
    -- For a group: its name, and the device up to which its members have got theirs; no device: all have.
    for_group TEXT COLLATE "C",
    reached TEXT COLLATE "C"
);
CREATE INDEX command_reaching ON command (number) WHERE reached IS NOT NULL;
CREATE INDEX command_harm ON command (ordered_at) WHERE harms > 0;
-- A command in the queue of one channel, and what came of it. It is open while the device is to get it.
CREATE TABLE delivery (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uuid TEXT COLLATE "C" NOT NULL UNIQUE,
    command TEXT COLLATE "C" NOT NULL REFERENCES command (id),
    enrollment TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    is_open BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    sent_at BIGINT,
    answered_at BIGINT,
    reason TEXT,
    result BYTEA
);
CREATE INDEX delivery_open ON delivery (enrollment, number) WHERE is_open = 1;
CREATE INDEX delivery_expiry ON delivery (expires_at) WHERE is_open = 1;
CREATE INDEX delivery_enrollment ON delivery (enrollment, number);
CREATE INDEX delivery_command ON delivery (command, number, state, is_open);
-- What devices answered to the daily questions: what they last found, and what they last failed with since.
CREATE TABLE inventory (
    enrollment TEXT COLLATE "C" NOT NULL,
    survey TEXT COLLATE "C" NOT NULL,
    found_at BIGINT,
    body TEXT,
    failed_at BIGINT,
    failure TEXT,
    PRIMARY KEY (enrollment, survey)
);
-- Who is to be looked at, and when, and what was pushed. Whoever has news counts `asked` up; whoever has looked sets
-- `heard` to what he read there.
CREATE TABLE push (
    enrollment TEXT COLLATE "C" PRIMARY KEY,
    service TEXT COLLATE "C" NOT NULL,
    due_at BIGINT,
    asked BIGINT NOT NULL,
    heard BIGINT NOT NULL,
    wakes BIGINT,
    pushed TEXT,
    problem TEXT COLLATE "C"
);
CREATE INDEX push_news ON push (service, due_at) WHERE due_at IS NOT NULL AND asked > heard;
CREATE INDEX push_again ON push (service, due_at) WHERE due_at IS NOT NULL AND asked = heard;
CREATE INDEX push_unanswered ON push (enrollment) WHERE wakes IS NOT NULL;
CREATE INDEX push_problem ON push (problem) WHERE problem IS NOT NULL;
-- Who does what only one node at a time may do.
CREATE TABLE lease (
    name TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL
);

-- What happened, for the systems that administrators connect. Transactions commit in another order than that of the
-- numbers they drew, so the order is that of transactions, and one is shown once all before it have ended.
CREATE TABLE event (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    tx BIGINT NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    enrollment TEXT COLLATE "C" NOT NULL,
    detail TEXT NOT NULL
);
CREATE UNIQUE INDEX event_order ON event (tx, id);
CREATE VIEW settled_event AS SELECT tx, id, at, kind, enrollment, detail FROM event
    WHERE tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
-- The last event that is kept no more: one row.
CREATE TABLE event_horizon (
    tx BIGINT NOT NULL,
    id BIGINT NOT NULL
);
INSERT INTO event_horizon (tx, id) VALUES (0, 0);
-- Whom events are sent to, and up to which each has them. A node that sends has the lease meanwhile.
CREATE TABLE webhook (
    id TEXT COLLATE "C" PRIMARY KEY,
    url TEXT NOT NULL,
    kinds TEXT NOT NULL,
    secret BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    after_tx BIGINT NOT NULL,
    after_id BIGINT NOT NULL,
    delivered_at BIGINT,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    failing_since BIGINT,
    problem TEXT,
    lease TEXT,
    lease_until BIGINT NOT NULL
);

-- The house.
CREATE TABLE setting (
    key TEXT COLLATE "C" PRIMARY KEY,
    value BYTEA NOT NULL
);
CREATE TABLE token (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    uses_left BIGINT,
    serial TEXT,
    topic TEXT
);
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
);
