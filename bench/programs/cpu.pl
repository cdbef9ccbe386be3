my %h; for my $i (1 .. 900000) { $h{ $i * 7919 % 10007 } += $i } my $s = 0; $s += $_ for values %h; print "$s\n";
my $t = join ' ', map { $_ * 31 % 1009 } 1 .. 180000; my $n = 0; $n++ while $t =~ /\b(\d)\d*\1\b/g; print "$n\n";
my $x = 0; for my $i (1 .. 7000000) { $x = ($x * 31 + $i) % 1000003 } print "$x\n";
my @a = sort { $a <=> $b } map { $_ * 7919 % 100003 } 1 .. 300000; print "@a[0, 500, 99999]\n";
