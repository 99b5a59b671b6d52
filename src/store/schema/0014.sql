-- A token that was made by a token goes with it.
alter table tokens add column made_by text references tokens (hash) on delete cascade;
create index tokens_made_by on tokens (made_by) where made_by is not null;
