"""The store on Apache Cassandra. Needs the extra `cassandra`; nothing outside this package knows CQL or the driver."""
