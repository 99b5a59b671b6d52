-- What failing hooks wait for, apart from the next attempt to renew.
alter table certs add column hook_failures bigint not null default 0;
alter table certs add column hook_retry_at bigint not null default 0;
