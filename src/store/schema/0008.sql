-- People: who may ask over the network, what is bound to them, and by what they are known.

create table users (
	id integer primary key,
	name text not null unique,
	role text not null,
	email text,
	enabled bigint not null default 1,
	password text,
	totp text,
	totp_next text,
	totp_step bigint not null default 0,
	link text unique,
	link_until bigint not null default 0,
	last_login_at bigint not null default 0,
	created_at bigint not null,
	updated_at bigint not null
);

create table user_domains (
	id integer primary key,
	owner text not null references users (name) on delete cascade,
	domain text not null,
	exact bigint not null default 0,
	methods text not null default '[]',
	dns text not null default '[]',
	accounts text not null default '[]',
	created_at bigint not null,
	unique (owner, domain)
);

create table tokens (
	id integer primary key,
	owner text not null references users (name) on delete cascade,
	name text not null,
	role text not null,
	hash text not null unique,
	expires_at bigint not null default 0,
	used_at bigint not null default 0,
	created_at bigint not null,
	unique (owner, name)
);

create table sessions (
	id integer primary key,
	owner text not null references users (name) on delete cascade,
	hash text not null unique,
	csrf text not null,
	address text,
	created_at bigint not null,
	idle_at bigint not null,
	end_at bigint not null
);
create index sessions_owner on sessions (owner);
create index sessions_end on sessions (end_at);

-- Failed attempts to sign in, by user and by address: how many in a row, and when the next may be.
create table logins (
	name text primary key,
	failures bigint not null,
	last_at bigint not null,
	until_at bigint not null
);
create index logins_last on logins (last_at);
