// SPDX-License-Identifier: Apache-2.0
// What an application with PostgreSQL's JDBC driver does: typed parameters, statements run often enough that the driver
// prepares them on the server and asks for binary values, batches, cursors by fetch size, savepoints, metadata.
import java.math.BigDecimal;
import java.sql.*;
import java.util.Properties;

public class Jdbc {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", "tester");
        properties.setProperty("password", "secret");
        String url = "jdbc:postgresql://127.0.0.1:" + arguments[0] + "/trial";
        try (Connection connection = DriverManager.getConnection(url, properties)) {
            try (Statement statement = connection.createStatement()) {
                statement.execute("create table item (id bigserial primary key, name varchar(20), price numeric(10,2), "
                        + "made timestamp, seen timestamptz, flag boolean, raw bytea, small int2, real4 float4, day date)");
            }
            String insert = "insert into item (name, price, made, seen, flag, raw, small, real4, day) values (?,?,?,?,?,?,?,?,?)";
            try (PreparedStatement statement = connection.prepareStatement(insert, Statement.RETURN_GENERATED_KEYS)) {
                for (int i = 1; i <= 12; i++) {
                    statement.setString(1, "item " + i);
                    statement.setBigDecimal(2, new BigDecimal("1.25").multiply(new BigDecimal(i)));
                    statement.setTimestamp(3, Timestamp.valueOf("2026-01-02 03:04:05.678"));
                    statement.setObject(4, java.time.OffsetDateTime.parse("2026-01-02T03:04:05+02:00"));
                    statement.setBoolean(5, i % 2 == 0);
                    statement.setBytes(6, new byte[] {0, (byte) i, -1});
                    statement.setInt(7, i);
                    statement.setFloat(8, i / 4f);
                    statement.setDate(9, Date.valueOf("2026-02-28"));
                    System.out.print(statement.executeUpdate());
                    try (ResultSet keys = statement.getGeneratedKeys()) {
                        keys.next();
                        System.out.println(" key " + keys.getLong(1));
                    }
                }
            }
            // More than five executions: named, and binary where the driver can.
            try (PreparedStatement statement = connection.prepareStatement(
                    "select id, name, price, made, seen, flag, raw, small, real4, day, price * 3, count(*) over () from item where id = ?")) {
                for (long i = 1; i <= 9; i++) {
                    statement.setLong(1, i);
                    try (ResultSet rows = statement.executeQuery()) {
                        while (rows.next()) {
                            System.out.println(rows.getLong(1) + " " + rows.getString(2) + " " + rows.getBigDecimal(3) + " "
                                    + rows.getTimestamp(4) + " " + rows.getObject(5, java.time.OffsetDateTime.class).toInstant() + " "
                                    + rows.getBoolean(6) + " " + rows.getBytes(7)[1] + " " + rows.getShort(8) + " "
                                    + rows.getFloat(9) + " " + rows.getDate(10) + " " + rows.getBigDecimal(11) + " " + rows.getLong(12));
                        }
                    }
                }
            }
            connection.setAutoCommit(false);
            try (PreparedStatement statement = connection.prepareStatement("insert into item (name, price) values (?, ?)")) {
                for (int i = 0; i < 1000; i++) {
                    statement.setString(1, "batch " + i);
                    statement.setBigDecimal(2, null);
                    statement.addBatch();
                }
                System.out.println("batch " + statement.executeBatch().length);
            }
            try (Statement statement = connection.createStatement()) {
                statement.setFetchSize(50);
                int count = 0;
                try (ResultSet rows = statement.executeQuery("select id, name from item order by id");
                     Statement other = connection.createStatement()) {
                    while (rows.next()) {
                        // A write amid the cursor: its rows stay those of its beginning.
                        if (++count == 120) System.out.println("deleted " + other.executeUpdate("delete from item where id > 500"));
                    }
                }
                System.out.println("cursor " + count);
            }
            connection.rollback();
            Savepoint savepoint = connection.setSavepoint("here");
            try (Statement statement = connection.createStatement()) {
                statement.executeUpdate("insert into item (id, name) values (1, 'twice')");
            } catch (SQLException error) {
                System.out.println("state " + error.getSQLState());
            }
            connection.rollback(savepoint);
            connection.commit();
            connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            try (Statement statement = connection.createStatement();
                 ResultSet rows = statement.executeQuery("select count(*), sum(price), max(made), bool_or(flag) from item")) {
                rows.next();
                ResultSetMetaData about = rows.getMetaData();
                for (int i = 1; i <= about.getColumnCount(); i++)
                    System.out.println(about.getColumnName(i) + " " + about.getColumnTypeName(i) + " " + rows.getString(i));
            }
            connection.commit();
            connection.setAutoCommit(true);
            try (Statement statement = connection.createStatement()) {
                statement.execute("create table list (id int, ns int[], ts text[])");
            }
            try (PreparedStatement statement = connection.prepareStatement("insert into list values (?, ?, ?)")) {
                for (int i = 1; i <= 3; i++) {
                    statement.setInt(1, i);
                    statement.setArray(2, connection.createArrayOf("int4", new Integer[] {i, null, i * 10}));
                    statement.setArray(3, connection.createArrayOf("text", new String[] {"a " + i, "\"", null}));
                    statement.executeUpdate();
                }
            }
            try (PreparedStatement statement = connection.prepareStatement(
                    "select id, ns, ts, array_length(ns, 1) from list where id = any(?) order by id")) {
                statement.setArray(1, connection.createArrayOf("int4", new Integer[] {1, 3}));
                for (int i = 0; i < 7; i++) {
                    try (ResultSet rows = statement.executeQuery()) {
                        while (rows.next())
                            System.out.println(rows.getInt(1) + " " + java.util.Arrays.toString((Object[]) rows.getArray(2).getArray())
                                    + " " + java.util.Arrays.toString((Object[]) rows.getArray(3).getArray()) + " " + rows.getInt(4)
                                    + " " + rows.getString(2));
                    }
                }
            }
            try (ResultSet tables = connection.getMetaData().getTables(null, "public", "item", new String[] {"TABLE"})) {
                while (tables.next()) System.out.println("table " + tables.getString("TABLE_NAME"));
            }
            System.out.println(connection.isValid(5));
        }
    }
}
