local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
print(fib(32))
local t = {} for i = 1, 900000 do t[i] = (i * 7919) % 100003 end table.sort(t) print(t[1], t[1500])
local x = 0.0 for i = 1, 15000000 do x = x + (i % 7) * 0.5 - x / 3 end print(x)
local s = 0 for w in (("alpha beta gamma "):rep(60000)):gmatch("%a+") do s = s + #w end print(s)
