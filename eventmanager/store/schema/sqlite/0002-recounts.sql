-- What recounts of days found, one row a report. `marks` tells for which state of the day.
CREATE TABLE recounts (
  day INTEGER NOT NULL,
  report TEXT NOT NULL,
  marks BLOB NOT NULL,
  figures BLOB NOT NULL,
  PRIMARY KEY (day, report)
) WITHOUT ROWID;
