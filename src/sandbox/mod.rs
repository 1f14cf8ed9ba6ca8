//! An embedded Marketo. It shares no code with the client in `marketo`: if the fake and the client shared their wire types, both would be wrong together.
