import json, re, sys, csv, io, base64, pickle, textwrap, difflib, datetime
t = open(sys.argv[1]).read()
print(len(re.findall(r'\b[a-m]\w{5,}\b', t)), len(re.sub(r'(\w)\1', r'<\1>', t)), re.search(r'(?P<x>qu\w+) (?P<y>\w+)', t).groupdict())
words = t.split(); o = {'w': words[:3000], 'n': {w: len(w) * 1.25 for w in words[:500]}, 'nested': [[1, None, True, {'é': '\u20ac'}]] * 50}
s = json.dumps(o, indent=1, sort_keys=True); print(len(s), json.loads(s) == o, hash(s) != 0, s[:40].replace('\n', ' '))
b = io.StringIO(); csv.writer(b).writerows([[i, words[i], i / 3] for i in range(200)]); print(len(b.getvalue()), list(csv.reader(io.StringIO(b.getvalue())))[7])
print(base64.b64encode(pickle.dumps(list(range(20)), 4)).decode()); print(textwrap.fill(' '.join(words[:40]), 50))
print(''.join(difflib.unified_diff(['a\n', 'b\n', 'c\n'], ['a\n', 'x\n', 'c\n']))); print(datetime.date(2024, 2, 29) + datetime.timedelta(days=366))
