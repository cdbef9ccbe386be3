{ for (i = 1; i <= NF; i++) { c[$i]++; n += length($i) } x += sqrt(NR) }
END { for (w in c) if (c[w] > m) m = c[w]; printf "%d %d %.6f\n", n, m, x }
