-- Lists of very many certificates: each order's index holds what is filtered by, and an owner's have
-- one of their own in each order.
drop index certs_by_end;
create index certs_by_end on certs (not_after, name, status, ca, account);
drop index certs_by_renewal;
create index certs_by_renewal on certs (renew_at, name, status, ca, account, not_after);
drop index certs_by_age;
create index certs_by_age on certs (created_at, name, status, ca, account, not_after);
create index certs_of_owner_by_end on certs (owner, not_after, name, status) where owner is not null;
create index certs_of_owner_by_renewal on certs (owner, renew_at, name, status) where owner is not null;
create index certs_of_owner_by_age on certs (owner, created_at, name) where owner is not null;

-- What is due at one instant is many after all were asked about at once.
drop index jobs_due;
create index jobs_due on jobs (run_at, id) where run_at > 0;

create index tasks_state on tasks (state, id);
