# Draws docs/performance.svg from the table of `showload compare -markdown`.
# The ground stays clear and the colours are of middle brightness, so that the
# plot can be read on a light page and on a dark one.
set terminal svg size 880,380 dynamic font "sans-serif,13"
set output plot_file
set datafile separator "|"
set multiplot layout 1,2
set border 3 linecolor rgb "#808080"
set tics nomirror textcolor rgb "#808080"
set key top right textcolor rgb "#808080"
set grid ytics linecolor rgb "#808080" linetype 1 linewidth 0.3
set style data linespoints
set pointsize 0.8
set style line 1 linecolor rgb "#3f8fdf" linewidth 2.5 pointtype 7
set style line 2 linecolor rgb "#e07b28" linewidth 2.5 pointtype 5 dashtype 2
set logscale x
set xtics (100, 500, 1000, 2000, 4000)
set xrange [90:4500]
set yrange [0:*]
set xlabel "viewers of one show" textcolor rgb "#808080"

many(y) = column(3) < 100 ? NaN : column(y)
set title "CPU seconds for each GB delivered" textcolor rgb "#808080"
plot table skip 2 using 3:(many(4)) linestyle 1 title "BookMyGig", \
  '' skip 2 using 3:(many(5)) linestyle 2 title "floor"
set title "resident memory for each viewer, KiB" textcolor rgb "#808080"
plot table skip 2 using 3:(many(12)) linestyle 1 title "BookMyGig", \
  '' skip 2 using 3:(many(13)) linestyle 2 title "floor"
