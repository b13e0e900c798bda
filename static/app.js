// app.js: what every page needs.
"use strict";
