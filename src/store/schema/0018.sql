-- When a CA last issued for a set of names, whichever certificate it was for: it counts the next one as a renewal.
-- name: as the bucket of its limit (limits.name); rows go when they no longer make a renewal.
create table issued_sets (
	id integer primary key,
	name text not null unique,
	issued_at bigint not null
);
create index issued_sets_at on issued_sets (issued_at);
