-- A CA that somebody added over the network is at no address inside.
alter table cas add column public_only bigint not null default 0;
