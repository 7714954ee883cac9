-- Standard SQL, for H2 and PostgreSQL alike. A message is a row of JSON in LangChain4j's own form.
CREATE TABLE IF NOT EXISTS chai_conversation (
    owner VARCHAR(64) NOT NULL,
    id VARCHAR(100) NOT NULL,
    title VARCHAR(200) NOT NULL,
    settings VARCHAR(1000) NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (owner, id)
);
CREATE INDEX IF NOT EXISTS chai_conversation_changed ON chai_conversation (changed_at);
CREATE TABLE IF NOT EXISTS chai_message (
    owner VARCHAR(64) NOT NULL,
    conversation VARCHAR(100) NOT NULL,
    ordinal INTEGER NOT NULL,
    content VARCHAR(1000000) NOT NULL,
    PRIMARY KEY (owner, conversation, ordinal),
    FOREIGN KEY (owner, conversation) REFERENCES chai_conversation (owner, id) ON DELETE CASCADE
);
