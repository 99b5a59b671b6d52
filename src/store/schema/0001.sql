-- The first schema. The dialect is what SQLite and PostgreSQL share; a PostgreSQL driver reads "integer primary key"
-- as an identity column. Times are UTC seconds (0 = none), truth values 0 and 1, lists JSON arrays, secrets sealed
-- text. The columns of a table are the fields of the model struct of that name.

create table meta (
	name text primary key,
	value text not null
);

create table cas (
	id integer primary key,
	name text not null unique,
	url text not null,
	staging text,
	ca_bundle text,
	resolver text,
	http_port bigint not null default 0,
	tls_port bigint not null default 0,
	parallel bigint not null default 0,
	needs_eab bigint not null default 0,
	created_at bigint not null
);

create table accounts (
	id integer primary key,
	name text not null unique,
	ca text not null,
	directory_url text,
	url text,
	status text not null,
	contacts text not null,
	key_type text,
	key text,
	next_key text,
	eab_kid text,
	terms_url text,
	is_default bigint not null default 0,
	created_at bigint not null
);

create table certs (
	id integer primary key,
	name text not null unique,
	status text not null,
	domains text not null,
	owner text,
	ca text,
	account text,
	key_type text,
	signature text,
	profile text,
	preferred_chain text,
	country text,
	province text,
	city text,
	organization text,
	unit text,
	subject_email text,
	own_key text,
	own_csr text,
	key_policy text,
	method text,
	challenge text,
	webroot text,
	listen text,
	hook text,
	well_known text,
	hook_chain bigint not null default 0,
	renew_before text,
	preflight bigint not null default 1,
	keystore text,
	keystore_password text,
	self_signed_first bigint not null default 0,
	deploy_hooks text not null,
	live_version bigint not null default 0,
	live_self_signed bigint not null default 0,
	serial text,
	issuer text,
	spki_sha256 text,
	not_before bigint not null default 0,
	not_after bigint not null default 0,
	issued_identity text,
	renew_at bigint not null default 0,
	retry_at bigint not null default 0,
	failures bigint not null default 0,
	last_error text,
	last_error_at bigint not null default 0,
	ari_id text,
	ari_start bigint not null default 0,
	ari_end bigint not null default 0,
	ari_renew_at bigint not null default 0,
	ari_check_at bigint not null default 0,
	ari_explanation_url text,
	redeliver bigint not null default 0,
	unfinished bigint not null default 0,
	new_key_needed bigint not null default 0,
	created_at bigint not null,
	updated_at bigint not null
);

create table jobs (
	id integer primary key,
	subject text not null unique,
	kind text not null,
	run_at bigint not null default 0,
	attempt bigint not null default 0,
	lease text,
	lease_until bigint not null default 0
);
create index jobs_due on jobs (run_at) where run_at > 0;

create table versions (
	id integer primary key,
	cert text not null references certs (name) on delete cascade,
	n bigint not null,
	key text,
	csr text,
	fullchain text not null,
	serial text,
	issuer text,
	fingerprint text,
	spki_sha256 text,
	ari_id text,
	not_before bigint not null default 0,
	not_after bigint not null default 0,
	self_signed bigint not null default 0,
	account text,
	ca text,
	certificate_url text,
	order_url text,
	issued_at bigint not null default 0,
	deployed bigint not null default 0,
	revoked_at bigint not null default 0,
	revocation_reason text,
	unique (cert, n)
);
create index versions_fingerprint on versions (fingerprint);

create table orders (
	id integer primary key,
	cert text not null references certs (name) on delete cascade,
	account text,
	state text not null,
	url text,
	identity text,
	domains text not null,
	profile text,
	replaces text,
	key text,
	csr text,
	renewal bigint not null default 0,
	answered bigint not null default 0,
	created_at bigint not null,
	updated_at bigint not null
);
create index orders_cert on orders (cert);
create unique index orders_open on orders (cert) where state in ('new', 'open');

create table challenges (
	id integer primary key,
	cert text not null references certs (name) on delete cascade,
	order_url text,
	url text,
	authz_url text,
	domain text not null,
	wildcard bigint not null default 0,
	type text not null,
	method text,
	token text,
	value text,
	location text,
	place text,
	made_dirs bigint not null default 0,
	state text not null,
	created_at bigint not null
);
create index challenges_cert on challenges (cert);

create table blocked_keys (
	spki_sha256 text primary key,
	why text not null,
	created_at bigint not null
);

create table events (
	id integer primary key,
	at bigint not null,
	cert text,
	kind text not null,
	text text not null,
	actor text not null
);
create index events_cert on events (cert, id);
