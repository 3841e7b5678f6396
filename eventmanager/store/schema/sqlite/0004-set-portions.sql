-- Portions of sets are others than before: what waits is put into their tables again, which changes nothing there.
DELETE FROM settled_portions WHERE table_name IN ('users_by_stage', 'users_by_platform', 'stage_graph');
