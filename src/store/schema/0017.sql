-- An owner's certificates in each order are read with their status from the index alone.
drop index certs_by_owner;
create index certs_by_owner on certs (owner, name, status);
drop index certs_of_owner_by_age;
create index certs_of_owner_by_age on certs (owner, created_at, name, status) where owner is not null;
