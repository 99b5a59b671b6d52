-- DNS accounts, the locks under which their zones are written, and what was published through them.

create table dns_accounts (
	id integer primary key,
	name text not null unique,
	provider text not null,
	enabled bigint not null default 1,
	zones text not null,
	settings text,
	saved text,
	left_over text not null default '[]',
	last_test_at bigint not null default 0,
	last_error text,
	created_at bigint not null,
	updated_at bigint not null
);

create table locks (
	name text primary key,
	lease text not null,
	lease_until bigint not null
);

alter table certs add column dns text not null default '[]';

alter table challenges add column dns_account text;
alter table challenges add column dns_zone text;
alter table challenges add column dns_zone_id text;
alter table challenges add column dns_name text;
