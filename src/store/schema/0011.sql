-- Which lease a job row has: another number each time, so that one who lost it cannot write.
alter table jobs add column fence bigint not null default 0;
-- A responder that does not know a token, or a name, looks whether another node made it.
create index challenges_token on challenges (token);
create index challenges_domain on challenges (domain);
