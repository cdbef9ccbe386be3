-- strings, tables, closures, coroutines, integer and float arithmetic, sorting, errors, string.format
local t = {}
for i = 1, 30000 do t[i] = (i * 7919) % 10007 end
table.sort(t)
print(t[1], t[15000], t[30000])
local s = {}
for w in ("the quick brown fox jumps over the lazy dog "):rep(200):gmatch("%a+") do s[w] = (s[w] or 0) + 1 end
local k = {} for w in pairs(s) do k[#k + 1] = w end table.sort(k)
for _, w in ipairs(k) do io.write(w, "=", s[w], " ") end print()
local co = coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i * i) end end)
print(co(), co(), co(), co(), co())
local x, y = 0.0, 1
for i = 1, 100000 do x = x + math.sin(i) * math.sqrt(i); y = (y * 31 + i) & 0xffffffff end
print(string.format("%.12g %d %x %5.1f %q", x, y, y, x, "a\nb"))
print(pcall(error, { code = 3 }), select(2, pcall(function() local n; return n.x end)))
print(7 // 2, -7 // 2, 7 % -3, 7.5 // 2, 1 / 0, -1 / 0, 0 / 0 ~= 0 / 0, 2 ^ 53, 1e15, 123456789012345678)
print(math.maxinteger + 1 == math.mininteger, 3 | 4, ~5, 1 << 62, "10" + 5, 10 .. 20)
print(os.time({ year = 2000, month = 1, day = 1, hour = 0 }), os.getenv("HOME") ~= nil)
local out = {} for i = 1, 50 do out[i] = string.char(65 + i % 26) end print(table.concat(out), #out)
print(string.pack("<i4d", -2, 1.5):byte(1, -1))
print(("x"):rep(10, ","), ("hello"):find("l+"), ("key = value"):match("(%w+) = (%w+)"))
goto done
print("skipped")
::done::
collectgarbage() print(collectgarbage("count") > 0)
