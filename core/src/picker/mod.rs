//! Picker: stub.
