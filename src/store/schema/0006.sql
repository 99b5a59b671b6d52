-- What was asked of the daemon and waits for the outside: a row until some time after it ended.

create table tasks (
	id integer primary key,
	operation text not null,
	subject text,
	asked_by text,
	address text,
	role text,
	state text not null,
	input text,
	result text,
	error text,
	created_at bigint not null,
	started_at bigint not null default 0,
	ended_at bigint not null default 0,
	lease text,
	lease_until bigint not null default 0
);
create index tasks_open on tasks (id) where ended_at = 0;
create index tasks_ended on tasks (ended_at) where ended_at > 0;
create index tasks_subject on tasks (subject, id);
create index tasks_asked_by on tasks (asked_by, id);

-- Certificates by the domains of their names: a row for each name and for each domain above it but the last one, so that
-- those of a domain are read in the order of their names. whole: it is one of its names, and not its own.
create table cert_names (
	cert text not null references certs (name) on delete cascade,
	domain text not null,
	whole bigint not null default 0,
	primary key (domain, cert)
);
create index cert_names_cert on cert_names (cert);
create index cert_names_whole on cert_names (domain, cert) where whole = 1;

-- Lists in each order, and of each kind, a page at a time.
create index certs_by_status on certs (status, name);
create index certs_by_owner on certs (owner, name);
create index certs_by_ca on certs (ca, name);
create index certs_by_account on certs (account, name);
create index certs_by_end on certs (not_after, name, status);
create index certs_by_renewal on certs (renew_at, name, status);
create index certs_failing on certs (last_error_at) where failures > 0;
create index certs_by_age on certs (created_at, name);

-- Events of a kind, and of an actor.
create index events_kind on events (kind, id);
create index events_actor on events (actor, id);
create index events_at on events (at);
