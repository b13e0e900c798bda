#!/usr/bin/env bash
# Makes the clip that -demo plays in a loop: three lamps over a small stage,
# H.264 High and AAC, 1280x720. Usage: demo-clip.sh OUT.flv
#
# Everything turns a whole number of times in 9.6 s, which are 240 pictures and
# 450 AAC frames exactly: the end meets the beginning.
set -euo pipefail

out=$1
serif=/usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf
italic=/usr/share/fonts/truetype/dejavu/DejaVuSerif-Italic.ttf

turn='2*PI*T/9.6'
lamp() { echo "exp(-pow((X-$1-Y*($2)/180)/(8+Y/5),2))"; } # top x, how far its foot is to the side
left=$(lamp 90 "70*sin($turn)")
right=$(lamp 230 "-70*sin($turn+PI/3)")
middle=$(lamp 160 "40*sin(2*$turn)")
floor="exp(-pow((Y-172)/26,2))*(0.25+0.1*sin($turn))"

picture="nullsrc=s=320x180:r=25:d=9.6,format=gbrp,geq=\
r='min(250,20+120*$left+106*$right+107*$middle+150*$floor)':\
g='min(250,12+68*$left+18*$right+80*$middle+70*$floor)':\
b='min(250,18+21*$left+54*$right+40*$middle+60*$floor)',\
scale=1280:720:flags=bicubic,format=yuv420p,\
drawtext=fontfile=$serif:text=BookMyGig:fontsize=120:fontcolor=0xf7ece6:x=(w-tw)/2:y=250+14*sin(2*PI*t/4.8),\
drawtext=fontfile=$italic:text='a small stage, always on':fontsize=44:fontcolor=0xffdf9e:x=(w-tw)/2:y=410,\
drawtext=fontfile=$serif:text=•:fontsize=90:fontcolor=0xffc873:x=(w-tw)/2+420*sin(2*PI*t/2.4):y=545-60*abs(cos(2*PI*t/2.4))"

# A held chord that swells, and a bell on each beat.
chord='sin(440*PI*t)*(0.06+0.04*sin(2*PI*t/4.8))+sin(555*PI*t)*(0.05+0.03*sin(2*PI*t/3.2))+sin(660*PI*t)*(0.05+0.03*cos(2*PI*t/4.8))'
bells='0.16*sin(1320*PI*t)*exp(-9*mod(t\,1.2))+0.12*sin(1760*PI*t)*exp(-9*mod(t+0.6\,1.2))'

ffmpeg -v error -y \
  -f lavfi -i "$picture" \
  -f lavfi -i "aevalsrc='0.7*($chord+$bells)':s=48000:d=9.6:c=stereo" \
  -c:v libx264 -profile:v high -preset veryslow -crf 25 -maxrate 900k -bufsize 1800k \
  -g 48 -keyint_min 48 -sc_threshold 0 -bf 0 \
  -c:a aac -b:a 96k -ac 2 \
  -map_metadata -1 -fflags +bitexact -flvflags no_duration_filesize -f flv "$out"
