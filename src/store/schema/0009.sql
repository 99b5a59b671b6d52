-- The event log as a chain: id is a record's number, rising by one from 1; mac is keyed and covers the record and the
-- mac before it. The last number and mac, and the sealed key, stand in meta (chain_head, chain_key); store/chain.c.
alter table events add column address text;
alter table events add column mac text not null default '';

-- News for one person, the owner of a certificate, beside those for the channel's own recipients.
alter table outbox add column person text;

-- Certificates that are proved by a record that stays: their records are looked at each day.
create index certs_persist on certs (name) where method = 'dns-persist';
