"""What a configuration file is made of: typed values, YAML with line numbers, mistakes in one clear
line each."""
