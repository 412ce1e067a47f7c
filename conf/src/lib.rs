//! Configuration file, environment and flags into one typed, validated Config.
