-- Answers kept for requests that may be sent again (Idempotency-Key), for a day.
create table replies (
	id integer primary key,
	name text not null unique,
	fingerprint text not null,
	holder text,
	holder_until bigint not null default 0,
	status bigint not null default 0,
	location text,
	body text,
	at bigint not null
);
create index replies_at on replies (at);
