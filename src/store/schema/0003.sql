-- What has been counted of the CAs' rate limits: a row for each bucket that is not full, and what an order has charged.

create table limits (
	id integer primary key,
	name text not null unique,
	tat_ms bigint not null,
	reserved bigint not null default 0,
	reserved_ms bigint not null default 0,
	told text
);
create index limits_tat on limits (tat_ms);

alter table orders add column charged text not null default '[]';
alter table orders add column failures_counted bigint not null default 0;
