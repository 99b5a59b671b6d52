-- Channels by which news reaches people, what is on its way to them, and what about a certificate is to be told when.

create table channels (
	id integer primary key,
	name text not null unique,
	kind text not null,
	enabled bigint not null default 1,
	settings text,
	events text not null,
	digest text not null,
	last_sent_at bigint not null default 0,
	last_error text,
	created_at bigint not null,
	updated_at bigint not null
);

create table outbox (
	id integer primary key,
	channel text not null references channels (name) on delete cascade,
	dedup text not null,
	token text not null,
	kind text not null,
	cert text,
	account text,
	subject text not null,
	text text not null,
	at bigint not null,
	due_at bigint not null,
	attempts bigint not null default 0,
	sent_at bigint not null default 0,
	last_error text,
	unique (channel, dedup)
);
create index outbox_due on outbox (due_at) where due_at > 0;
create index outbox_done on outbox (at) where due_at = 0;

-- Since when attempts have failed; until when everything has been told; when there is something to tell next.
alter table certs add column failing_since bigint not null default 0;
alter table certs add column told_until bigint not null default 0;
alter table certs add column tell_at bigint not null default 0;
create index certs_tell on certs (tell_at) where tell_at > 0;
update certs set tell_at = 1 where status <> 'revoked';
