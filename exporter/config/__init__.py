"""The parts of a configuration file: typed values, YAML with line numbers, errors of one line
each."""
