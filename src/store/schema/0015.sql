-- Whose names were said over the network: what they lead to is not asked at addresses inside.
alter table certs add column from_afar bigint not null default 0;
update certs set from_afar = 1 where owner is not null;
