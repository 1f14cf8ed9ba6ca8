//! The wire: Marketo's REST API as a client sees it.
