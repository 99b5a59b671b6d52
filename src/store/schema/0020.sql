-- How far an API token goes within its role: full, export or read; and the certificates and domains it is narrowed to.
alter table tokens add column scope text not null default 'full';
alter table tokens add column certificates text not null default '[]';
alter table tokens add column domains text not null default '[]';
-- What the token that asked for a job was narrowed to.
alter table tasks add column certificates text not null default '[]';
alter table tasks add column domains text not null default '[]';
