-- How far facts that wait have gone to their table: by portion of a table's keys, the last row of them that has.
CREATE TABLE settled_portions (
  table_name TEXT NOT NULL,
  portion INTEGER NOT NULL,
  facts_id INTEGER NOT NULL,
  PRIMARY KEY (table_name, portion)
) WITHOUT ROWID;
