create table a(id integer primary key, x int, y real, s text); create table b(id integer primary key, aid int, v text);
with recursive n(i) as (select 1 union all select i+1 from n where i<300000) insert into a select i, (i*7919)%10009, i/7.0, 'row'||(i%97) from n;
with recursive n(i) as (select 1 union all select i+1 from n where i<160000) insert into b select i, (i*31)%300000+1, hex(i*i) from n;
create index ax on a(x); create index bs on b(aid); create index as_ on a(s,x);
select count(*), sum(x), round(avg(y),6), min(s), max(s) from a;
select s, count(*), sum(b.id) from a join b on b.aid=a.id where x between 100 and 3000 group by s order by 3 desc limit 10;
update a set y=y*1.5 where x%3=0; delete from b where aid in (select id from a where x<500);
select x, rank() over (order by cnt desc), cnt from (select x, count(*) cnt from a group by x) order by cnt desc, x limit 5;
select count(*) from a where s like '%5%' and y*2 > x;
