-- Texts that come again and again are numbers here: `day` is days.id, and `partition` is day * 256 + shard.

PRAGMA application_id = 1163283777;

-- Which days exist. Numbers are never used twice, as rows of a day that was dropped go later than it.
CREATE TABLE days (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app TEXT NOT NULL,
  date TEXT NOT NULL,
  blocks INTEGER NOT NULL, -- acknowledged, whether new or known
  UNIQUE (app, date)
);

-- Numbers of days that were dropped and whose rows are yet to go.
CREATE TABLE dropped_days (
  id INTEGER PRIMARY KEY
);

-- The log. Rows are appended, so that a block costs the same whatever lies before it.
CREATE TABLE events (
  id INTEGER PRIMARY KEY,
  partition INTEGER NOT NULL,
  block BLOB NOT NULL,
  count INTEGER NOT NULL,
  payload BLOB NOT NULL,
  UNIQUE (partition, block)
);

-- Facts of blocks in the log that are yet to go to the tables below: a row for each commit and table.
CREATE TABLE unsettled_facts (
  id INTEGER PRIMARY KEY,
  table_name TEXT NOT NULL,
  facts BLOB NOT NULL
);

-- How far facts that wait have gone to their table: by portion of a table's keys, the last row of them that has.
CREATE TABLE settled_portions (
  table_name TEXT NOT NULL,
  portion INTEGER NOT NULL,
  facts_id INTEGER NOT NULL,
  PRIMARY KEY (table_name, portion)
) WITHOUT ROWID;

CREATE TABLE users_by_stage (
  partition INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  user TEXT NOT NULL,
  PRIMARY KEY (partition, stage, user)
) WITHOUT ROWID;

CREATE TABLE users_by_platform (
  partition INTEGER NOT NULL,
  user TEXT NOT NULL,
  browser TEXT NOT NULL,
  os TEXT NOT NULL,
  device TEXT NOT NULL,
  PRIMARY KEY (partition, user, browser, os, device)
) WITHOUT ROWID;

CREATE TABLE stage_graph (
  partition INTEGER NOT NULL,
  from_stage INTEGER NOT NULL,
  to_stage INTEGER NOT NULL,
  user TEXT NOT NULL,
  PRIMARY KEY (partition, from_stage, to_stage, user)
) WITHOUT ROWID;

-- Totals: `elapsed` is in milliseconds, `durations` what eventmanager.durations.Durations.encode writes.

CREATE TABLE time_by_stage (
  day INTEGER NOT NULL,
  stage INTEGER NOT NULL,
  hits INTEGER NOT NULL,
  elapsed INTEGER NOT NULL,
  durations BLOB NOT NULL,
  PRIMARY KEY (day, stage)
) WITHOUT ROWID;

CREATE TABLE actions_by_button (
  day INTEGER NOT NULL,
  target TEXT NOT NULL,
  hits INTEGER NOT NULL GENERATED ALWAYS AS (hover_leave + hover_click) VIRTUAL,
  hover_leave INTEGER NOT NULL,
  elapsed_leave INTEGER NOT NULL,
  durations_leave BLOB NOT NULL,
  hover_click INTEGER NOT NULL,
  elapsed_click INTEGER NOT NULL,
  durations_click BLOB NOT NULL,
  PRIMARY KEY (day, target)
) WITHOUT ROWID;

CREATE TABLE views_by_page (
  day INTEGER NOT NULL,
  url TEXT NOT NULL,
  views INTEGER NOT NULL,
  hits INTEGER NOT NULL, -- times counted
  elapsed INTEGER NOT NULL,
  durations BLOB NOT NULL,
  PRIMARY KEY (day, url)
) WITHOUT ROWID;

CREATE TABLE clicks_by_target (
  day INTEGER NOT NULL,
  url TEXT NOT NULL,
  target TEXT NOT NULL,
  clicks INTEGER NOT NULL,
  hits INTEGER NOT NULL, -- times counted
  elapsed INTEGER NOT NULL,
  durations BLOB NOT NULL,
  PRIMARY KEY (day, url, target)
) WITHOUT ROWID;

CREATE TABLE traffic (
  day INTEGER NOT NULL,
  hour INTEGER NOT NULL,
  clicks INTEGER NOT NULL,
  url_changes INTEGER NOT NULL,
  btn_times INTEGER NOT NULL,
  funnel_changes INTEGER NOT NULL,
  PRIMARY KEY (day, hour)
) WITHOUT ROWID;

-- What recounts of days found, one row a report. `marks` tells for which state of the day.
CREATE TABLE recounts (
  day INTEGER NOT NULL,
  report TEXT NOT NULL,
  marks BLOB NOT NULL,
  figures BLOB NOT NULL,
  PRIMARY KEY (day, report)
) WITHOUT ROWID;

CREATE TABLE apps (
  app TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  settings BLOB NOT NULL -- a storage.v1.AppSettings
) WITHOUT ROWID;
