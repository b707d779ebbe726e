#!/usr/bin/env node
process.stderr.write('E_NOT_YET: no command is built yet\n')
process.exitCode = 2
